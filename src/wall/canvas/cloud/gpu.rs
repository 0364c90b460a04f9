//! A cloud on the graphics card: its points in vertex buffers of bounded size, and the texture in which they are counted.
//!
//! Each frame every point adds its weight to its board's channel of the texel it is over; then one quad of the front
//! layer makes light of the counts (`shaders/points.wgsl`, `shaders/cloud.wgsl`). Half floats count up to 2,048 a board
//! and texel and no further, as the field does. Buffers are filled one after another and never written anew.

use std::ops::Range;
use std::sync::Arc;

use super::super::gpu::begin;
use super::super::pipelines::{Pipelines, make_pipeline, shaders};
use super::super::textures::texture;
use super::super::tone::Tone;
use super::{Cloud, CloudInstance, Point};

/// Points of a buffer: so large a piece is handed to the driver at once.
const PIECE: usize = 1 << 20;
/// What texels are counted in; the one format of four floats to which every card can add.
const COUNTS: wgpu::TextureFormat = wgpu::TextureFormat::Rgba16Float;

/// What `shaders/points.wgsl` reads.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Uniform {
    texels: [f32; 2],
    centre: [f32; 2],
    seconds: f32,
    reach: f32,
    wave: f32,
    weight: f32,
}

struct Counts {
    size: [u32; 2],
    view: wgpu::TextureView,
    group: wgpu::BindGroup,
}

pub struct CloudGpu {
    pipeline: wgpu::RenderPipeline,
    uniform: wgpu::Buffer,
    uniform_group: wgpu::BindGroup,
    tone: wgpu::Buffer,
    cloud: Option<Arc<Cloud>>,
    buffers: Vec<wgpu::Buffer>,
    /// Points that a buffer takes.
    room: usize,
    written: usize,
    counts: Option<Counts>,
    /// What is in `counts`.
    counted: Option<CloudInstance>,
}

impl CloudGpu {
    pub fn new(device: &wgpu::Device, queue: &wgpu::Queue) -> CloudGpu {
        let buffer = |label, size| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size,
                usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            })
        };
        let uniform = buffer("points", size_of::<Uniform>() as u64);
        let tone = buffer("tone", size_of::<Tone>() as u64);
        queue.write_buffer(&tone, 0, bytemuck::bytes_of(&Tone::of_tokens()));
        let group_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("points"),
            entries: &[wgpu::BindGroupLayoutEntry {
                binding: 0,
                visibility: wgpu::ShaderStages::VERTEX,
                ty: wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Uniform,
                    has_dynamic_offset: false,
                    min_binding_size: None,
                },
                count: None,
            }],
        });
        let uniform_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("points"),
            layout: &group_layout,
            entries: &[wgpu::BindGroupEntry { binding: 0, resource: uniform.as_entire_binding() }],
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("points"),
            bind_group_layouts: &[Some(&group_layout)],
            immediate_size: 0,
        });
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("points"),
            source: wgpu::ShaderSource::Wgsl(shaders::POINTS.into()),
        });
        let attributes = wgpu::vertex_attr_array![0 => Unorm16x2, 1 => Uint8x4];
        let vertices = [wgpu::VertexBufferLayout {
            array_stride: size_of::<Point>() as u64,
            step_mode: wgpu::VertexStepMode::Vertex,
            attributes: &attributes,
        }];
        let added = wgpu::BlendComponent {
            src_factor: wgpu::BlendFactor::One,
            dst_factor: wgpu::BlendFactor::One,
            operation: wgpu::BlendOperation::Add,
        };
        let blend = Some(wgpu::BlendState { color: added, alpha: added });
        let points = wgpu::PrimitiveTopology::PointList;
        let pipeline = make_pipeline(device, "points", &layout, &module, &vertices, points, COUNTS, blend);
        let most = device.limits().max_buffer_size / size_of::<Point>() as u64;
        CloudGpu {
            pipeline,
            uniform,
            uniform_group,
            tone,
            cloud: None,
            buffers: Vec::new(),
            room: PIECE.min(usize::try_from(most).unwrap_or(PIECE)).max(1),
            written: 0,
            counts: None,
            counted: None,
        }
    }

    /// What the light is made of.
    pub fn group(&self) -> Option<&wgpu::BindGroup> {
        self.counts.as_ref().map(|counts| &counts.group)
    }

    /// Fetches what fell into the cloud, and counts its points where they are at the instance's moment, unless that is
    /// done already.
    pub fn count(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        encoder: &mut wgpu::CommandEncoder,
        pipelines: &Pipelines,
        instance: &CloudInstance,
        cloud: &Arc<Cloud>,
    ) {
        self.fetch(device, queue, cloud);
        if self.counted.as_ref() == Some(instance) {
            return;
        }
        if self.counts.as_ref().is_none_or(|counts| counts.size != cloud.size) {
            let usage = wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::TEXTURE_BINDING;
            let view = texture(device, "counts", cloud.size, COUNTS, usage).create_view(&Default::default());
            let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("cloud"),
                layout: &pipelines.group_layout,
                entries: &[
                    wgpu::BindGroupEntry { binding: 0, resource: pipelines.view.as_entire_binding() },
                    wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::TextureView(&view) },
                    wgpu::BindGroupEntry { binding: 2, resource: self.tone.as_entire_binding() },
                ],
            });
            self.counts = Some(Counts { size: cloud.size, view, group });
        }
        let Some(counts) = &self.counts else { return };
        let CloudInstance { texels, centre, seconds, reach, wave, weight, .. } = *instance;
        let uniform = Uniform { texels, centre, seconds, reach, wave, weight };
        queue.write_buffer(&self.uniform, 0, bytemuck::bytes_of(&uniform));
        let mut pass = begin(encoder, "points", &counts.view, wgpu::LoadOp::Clear(wgpu::Color::TRANSPARENT));
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.uniform_group, &[]);
        for (index, buffer) in self.buffers.iter().enumerate() {
            let points = self.written.saturating_sub(index * self.room).min(self.room);
            if points > 0 {
                pass.set_vertex_buffer(0, buffer.slice(..));
                pass.draw(0..points as u32, 0..1);
            }
        }
        self.counted = Some(*instance);
    }

    /// Writes the points that wait behind those that are written.
    fn fetch(&mut self, device: &wgpu::Device, queue: &wgpu::Queue, cloud: &Arc<Cloud>) {
        if self.cloud.as_ref().is_none_or(|known| known.serial != cloud.serial) {
            if let Some(before) = self.cloud.replace(cloud.clone()) {
                before.go();
            }
            (self.written, self.counted) = (0, None);
        }
        let mut fallen = cloud.fallen.lock();
        if fallen.fetched != self.written {
            // Another renderer has the others.
            cloud.go();
            return;
        }
        if fallen.waiting.is_empty() {
            return;
        }
        for (index, slot, points) in pieces(self.written, fallen.waiting.len(), self.room) {
            if index == self.buffers.len() {
                self.buffers.push(device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some("points"),
                    size: (self.room * size_of::<Point>()) as u64,
                    usage: wgpu::BufferUsages::VERTEX | wgpu::BufferUsages::COPY_DST,
                    mapped_at_creation: false,
                }));
            }
            let offset = (slot * size_of::<Point>()) as u64;
            queue.write_buffer(&self.buffers[index], offset, bytemuck::cast_slice(&fallen.waiting[points]));
        }
        self.written += fallen.waiting.len();
        fallen.fetched = self.written;
        // The first ones are very many, those that come later few.
        fallen.waiting = Vec::new();
        self.counted = None;
    }
}

/// Where `more` points go behind `written` ones: which buffer, its first free slot, and which of them.
fn pieces(written: usize, more: usize, room: usize) -> impl Iterator<Item = (usize, usize, Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = written + done;
        let count = (room - at % room).min(more - done);
        let piece = (at / room, at % room, done..done + count);
        done += count;
        (count > 0).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_fill_one_buffer_after_another_and_are_never_moved() {
        let all = |written, more| pieces(written, more, 10).collect::<Vec<_>>();
        assert_eq!(all(0, 25), [(0, 0, 0..10), (1, 0, 10..20), (2, 0, 20..25)]);
        assert_eq!(all(25, 3), [(2, 5, 0..3)]);
        assert_eq!(all(28, 4), [(2, 8, 0..2), (3, 0, 2..4)]);
        assert_eq!(all(30, 0), []);
    }

    #[test]
    fn the_points_shader_has_no_branch() {
        // One on a uniform cost 240 kB a frame on lavapipe (Mesa 22.3): a shader compiled for each value and kept.
        assert!(!shaders::POINTS.lines().any(|line| line.trim_start().starts_with("if ")));
    }
}
