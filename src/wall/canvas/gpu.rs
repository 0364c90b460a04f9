//! The render plugin of the canvas: display lists in, pixels out.
//!
//! Two layers. The *back* (ground, panel surfaces, map, settled sparks) is drawn into its own texture only where it
//! changed; each picture copies it and draws the *front* (text, curves, what moves) over it in one pass, both only in
//! the rectangles that differ from the last picture. No Bevy camera is involved, so a picture costs this one pass and
//! nothing else, and nothing at all when nothing changed.
//!
//! Blending is done on sRGB values, as browsers do and as the colours were chosen. Instanced vertex buffers only.
//! Fails by drawing nothing: an error of the graphics driver is logged once, not each frame.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};

use bevy::app::{App, Plugin};
use bevy::ecs::prelude::*;
use bevy::render::renderer::{
    RenderAdapter, RenderAdapterInfo, RenderDevice, RenderInstance, RenderQueue, WgpuWrapper,
};
use bevy::render::settings::RenderCreation;
use bevy::render::view::{ExtractedWindows, prepare_windows};
use bevy::render::{ExtractSchedule, MainWorld, Render, RenderApp, RenderSystems};

use super::super::options::WallError;
use super::super::tokens;
use super::glyphs::Upload;
use super::list::{DisplayList, Field, FieldInstance, GlyphInstance, MeshVertex, ShapeInstance, SparkInstance, Visual};
use super::pipelines::{Pipelines, make_pipelines, make_present};
pub use super::readback::{Capture, Shown};
use super::readback::{copy_out, read_out};

/// The picture's own format; values are sRGB and never converted on the way.
pub const FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

/// What the main world wants drawn; handed over whole at the next extraction.
#[derive(Resource, Default)]
pub struct Picture {
    pub back: DisplayList,
    pub front: DisplayList,
    pub uploads: Vec<Upload>,
    pub size: [u32; 2],
    pub atlas_side: u32,
    /// `back` holds a new back layer, or what of it is new.
    pub back_changed: bool,
    /// Where the back layer is drawn anew.
    pub back_parts: Parts,
    /// Where the picture is; holds the back's parts. Nowhere: it is only shown or read once more.
    pub parts: Parts,
    /// What was drawn last is kept, to be faded out over what comes.
    pub keep: bool,
    /// How much of the kept picture lies over this one, 0 to 1.
    pub fade: f32,
    /// Something is to be drawn at all.
    pub draw: bool,
    /// Read the picture back and send it.
    pub capture: bool,
    pub shown: Shown,
}

/// A part of the picture.
#[derive(Default)]
pub struct Parts {
    /// Everything; the rectangles are of no use then.
    pub whole: bool,
    /// Left, top, width, height, pixels, none overlapping.
    pub rects: Vec<[u32; 4]>,
}

impl Parts {
    pub fn set_nothing(&mut self) {
        self.whole = false;
        self.rects.clear();
    }

    fn iter(&self, [width, height]: [u32; 2]) -> impl Iterator<Item = [u32; 4]> {
        let rects = if self.whole { &[] } else { self.rects.as_slice() };
        self.whole.then_some([0, 0, width, height]).into_iter().chain(rects.iter().copied())
    }
}

/// How many pictures were drawn so far.
#[derive(Resource, Clone, Default)]
pub struct Drawn(Arc<AtomicU64>);

impl Drawn {
    pub fn pictures(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Where captures go; bounded, and a picture nobody fetched in time is dropped.
#[derive(Resource, Clone)]
pub struct CaptureSender(pub SyncSender<Capture>);

#[derive(Resource, Default)]
struct Extracted(Picture);

pub struct CanvasPlugin {
    pub captures: SyncSender<Capture>,
}

impl Plugin for CanvasPlugin {
    fn build(&self, app: &mut App) {
        let drawn = Drawn::default();
        app.init_resource::<Picture>().insert_resource(drawn.clone());
        let Some(render_app) = app.get_sub_app_mut(RenderApp) else { return };
        render_app
            .init_resource::<Extracted>()
            .init_resource::<CanvasGpu>()
            .insert_resource(CaptureSender(self.captures.clone()))
            .insert_resource(drawn)
            .add_systems(ExtractSchedule, extract)
            .add_systems(
                Render,
                (
                    ask_for_window_texture.in_set(RenderSystems::PrepareViews).before(prepare_windows),
                    draw.in_set(RenderSystems::Prepare),
                ),
            );
    }
}

/// Opens the graphics adapter: the best there is, a software one where there is no other.
///
/// # Errors
/// No adapter, or it gives no device; in words.
pub fn open_adapter() -> Result<(RenderCreation, wgpu::AdapterInfo), WallError> {
    let descriptor = wgpu::InstanceDescriptor {
        backends: wgpu::Backends::PRIMARY,
        flags: wgpu::InstanceFlags::empty(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    };
    let instance = wgpu::Instance::new(descriptor);
    let fail = |error: String| WallError::Graphics(error);
    let adapter = bevy::tasks::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions {
        power_preference: wgpu::PowerPreference::HighPerformance,
        ..Default::default()
    }))
    .map_err(|error| fail(error.to_string()))?;
    let info = adapter.get_info();
    let (device, queue) = bevy::tasks::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        label: Some("wall"),
        required_features: adapter.features() - wgpu::Features::MAPPABLE_PRIMARY_BUFFERS - experimental(),
        required_limits: adapter.limits(),
        ..Default::default()
    }))
    .map_err(|error| fail(format!("{} gives no device: {error}", info.name)))?;
    let creation = RenderCreation::manual(
        RenderDevice::from(device),
        RenderQueue(Arc::new(WgpuWrapper::new(queue))),
        RenderAdapterInfo(WgpuWrapper::new(info.clone())),
        RenderAdapter(Arc::new(WgpuWrapper::new(adapter))),
        RenderInstance(Arc::new(WgpuWrapper::new(instance))),
    );
    Ok((creation, info))
}

/// Features that wgpu gives only to those who accept its warning.
fn experimental() -> wgpu::Features {
    wgpu::Features::all_experimental_mask()
}

fn extract(mut main: ResMut<MainWorld>, mut extracted: ResMut<Extracted>) {
    let mut picture = main.resource_mut::<Picture>();
    // While the renderer is not ready the last picture waits here and the next one with the main world; nothing of
    // either (new glyphs above all) may be lost.
    if !picture.draw || extracted.0.draw {
        return;
    }
    // The lists change places, so that neither side allocates anew.
    std::mem::swap(&mut *picture, &mut extracted.0);
    picture.draw = false;
    picture.capture = false;
    picture.back_changed = false;
    (picture.keep, picture.fade) = (false, 0.0);
    picture.back_parts.set_nothing();
    picture.parts.set_nothing();
    picture.size = extracted.0.size;
    picture.atlas_side = extracted.0.atlas_side;
    picture.uploads.clear();
}

/// A window's texture is asked for only when there is something to show in it.
fn ask_for_window_texture(mut windows: ResMut<ExtractedWindows>, extracted: Res<Extracted>, gpu: Res<CanvasGpu>) {
    for window in windows.windows.values_mut() {
        window.needs_initial_present = extracted.0.draw || gpu.present_again;
    }
}

struct Buffers {
    shapes: Growing,
    glyphs: Growing,
    sparks: Growing,
    vertices: Growing,
    fields: Growing,
}

impl Buffers {
    fn new() -> Buffers {
        Buffers {
            shapes: Growing::new("shapes"),
            glyphs: Growing::new("glyphs"),
            sparks: Growing::new("sparks"),
            vertices: Growing::new("vertices"),
            fields: Growing::new("fields"),
        }
    }

    fn write(&mut self, device: &wgpu::Device, queue: &wgpu::Queue, list: &DisplayList) {
        self.shapes.write(device, queue, bytemuck::cast_slice(&list.shapes));
        self.glyphs.write(device, queue, bytemuck::cast_slice(&list.glyphs));
        self.sparks.write(device, queue, bytemuck::cast_slice(&list.sparks));
        self.vertices.write(device, queue, bytemuck::cast_slice(&list.vertices));
        self.fields.write(device, queue, bytemuck::cast_slice(&list.fields));
    }
}

/// A vertex buffer that grows by halves and never shrinks.
struct Growing {
    label: &'static str,
    buffer: Option<wgpu::Buffer>,
    capacity: u64,
}

impl Growing {
    fn new(label: &'static str) -> Growing {
        Growing { label, buffer: None, capacity: 0 }
    }

    fn write(&mut self, device: &wgpu::Device, queue: &wgpu::Queue, bytes: &[u8]) {
        let needed = bytes.len() as u64;
        if needed == 0 {
            return;
        }
        if needed > self.capacity || self.buffer.is_none() {
            self.capacity = (needed + needed / 2).next_multiple_of(4096);
            self.buffer = Some(device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(self.label),
                size: self.capacity,
                usage: wgpu::BufferUsages::VERTEX | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            }));
        }
        if let Some(buffer) = &self.buffer {
            queue.write_buffer(buffer, 0, bytes);
        }
    }
}

/// Textures of one size.
struct Layers {
    size: [u32; 2],
    back: wgpu::Texture,
    back_view: wgpu::TextureView,
    picture: wgpu::Texture,
    picture_view: wgpu::TextureView,
    present_group: wgpu::BindGroup,
    /// The picture of the scene before.
    kept: Option<(wgpu::Texture, wgpu::BindGroup)>,
}

struct Atlas {
    side: u32,
    texture: wgpu::Texture,
    group: wgpu::BindGroup,
}

/// The light of a field as a texture.
struct Light {
    serial: u64,
    size: [u32; 2],
    texture: wgpu::Texture,
    group: wgpu::BindGroup,
}

#[derive(Resource, Default)]
struct CanvasGpu {
    light: Option<Light>,
    pipelines: Option<Pipelines>,
    layers: Option<Layers>,
    atlas: Option<Atlas>,
    back: Option<Buffers>,
    front: Option<Buffers>,
    present_again: bool,
    /// The back layer was never drawn at this size.
    back_missing: bool,
}

fn draw(
    mut gpu: ResMut<CanvasGpu>,
    mut extracted: ResMut<Extracted>,
    windows: Res<ExtractedWindows>,
    device: Res<RenderDevice>,
    queue: Res<RenderQueue>,
    captures: Res<CaptureSender>,
    drawn: Res<Drawn>,
) {
    if !extracted.0.draw && !gpu.present_again {
        return;
    }
    render(&mut gpu, &extracted.0, &windows, &device, &queue, &captures);
    if std::mem::take(&mut extracted.0.draw) {
        drawn.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn render(
    gpu: &mut CanvasGpu,
    picture: &Picture,
    windows: &ExtractedWindows,
    device: &RenderDevice,
    queue: &RenderQueue,
    captures: &CaptureSender,
) {
    let device = device.wgpu_device();
    let pipelines = gpu.pipelines.get_or_insert_with(|| make_pipelines(device));
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("wall") });
    if picture.draw {
        let [width, height] = picture.size;
        if width == 0 || height == 0 {
            return;
        }
        if gpu.layers.as_ref().is_none_or(|layers| layers.size != picture.size) {
            gpu.layers = Some(make_layers(device, pipelines, picture.size));
            gpu.back_missing = true;
            let view: [f32; 4] = [2.0 / width as f32, -2.0 / height as f32, width as f32, height as f32];
            queue.write_buffer(&pipelines.view, 0, bytemuck::cast_slice(&view));
            let colours =
                [tokens::GROUND_EDGE, tokens::GROUND_MIDDLE].map(|colour| colour.0.map(|part| f32::from(part) / 255.0));
            queue.write_buffer(&pipelines.ground_colours, 0, bytemuck::cast_slice(&colours));
        }
        if gpu.atlas.as_ref().is_none_or(|atlas| atlas.side != picture.atlas_side) {
            gpu.atlas = Some(make_atlas(device, pipelines, picture.atlas_side));
        }
        if let Some(layers) = gpu.layers.as_mut().filter(|_| picture.keep && !gpu.back_missing) {
            keep(device, &mut encoder, pipelines, layers);
        }
        let (Some(layers), Some(atlas)) = (&gpu.layers, &gpu.atlas) else { return };
        for field in picture.back.lights.first().into_iter().chain(picture.front.lights.first()) {
            upload_light(device, queue, pipelines, &mut gpu.light, field);
        }
        let groups = Groups { atlas: &atlas.group, light: gpu.light.as_ref().map(|light| &light.group) };
        for upload in &picture.uploads {
            write_atlas(queue, &atlas.texture, upload);
        }
        if picture.back_changed || gpu.back_missing {
            let buffers = gpu.back.get_or_insert_with(Buffers::new);
            buffers.write(device, queue, &picture.back);
            let load = match picture.back_parts.whole {
                true => wgpu::LoadOp::Clear(wgpu::Color::BLACK),
                false => wgpu::LoadOp::Load,
            };
            let mut pass = begin(&mut encoder, "back", &layers.back_view, load);
            pass.set_bind_group(0, &atlas.group, &[]);
            pass.set_pipeline(&pipelines.ground);
            for [left, top, wide, high] in picture.back_parts.iter(picture.size) {
                pass.set_scissor_rect(left, top, wide, high);
                pass.draw(0..3, 0..1);
            }
            paint(&mut pass, pipelines, &groups, buffers, &picture.back, picture.size);
            drop(pass);
            gpu.back_missing = false;
        }
        for [left, top, width, height] in picture.parts.iter(picture.size) {
            let origin = wgpu::Origin3d { x: left, y: top, z: 0 };
            encoder.copy_texture_to_texture(
                wgpu::TexelCopyTextureInfo { origin, ..layers.back.as_image_copy() },
                wgpu::TexelCopyTextureInfo { origin, ..layers.picture.as_image_copy() },
                wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
            );
        }
        let buffers = gpu.front.get_or_insert_with(Buffers::new);
        buffers.write(device, queue, &picture.front);
        let mut pass = begin(&mut encoder, "front", &layers.picture_view, wgpu::LoadOp::Load);
        pass.set_bind_group(0, &atlas.group, &[]);
        paint(&mut pass, pipelines, &groups, buffers, &picture.front, picture.size);
        if let Some((_, group)) = layers.kept.as_ref().filter(|_| picture.fade > 0.0) {
            let share = f64::from(picture.fade.min(1.0));
            pass.set_blend_constant(wgpu::Color { r: share, g: share, b: share, a: share });
            pass.set_scissor_rect(0, 0, width, height);
            pass.set_bind_group(0, group, &[]);
            pass.set_pipeline(&pipelines.fade);
            pass.draw(0..3, 0..1);
        }
    }
    let Some(layers) = &gpu.layers else { return };
    gpu.present_again = false;
    for window in windows.windows.values() {
        let (Some(target), Some(format)) = (&window.swap_chain_texture_view, window.swap_chain_texture_view_format)
        else {
            gpu.present_again = true;
            continue;
        };
        if pipelines.present.as_ref().is_none_or(|(known, _)| *known != format) {
            pipelines.present = Some((format, make_present(device, pipelines, format)));
        }
        let Some((_, present)) = &pipelines.present else { continue };
        let mut pass = begin(&mut encoder, "present", target, wgpu::LoadOp::Clear(wgpu::Color::BLACK));
        pass.set_bind_group(0, &layers.present_group, &[]);
        pass.set_pipeline(present);
        pass.draw(0..3, 0..1);
    }
    let reading =
        (picture.draw && picture.capture).then(|| copy_out(device, &mut encoder, &layers.picture, layers.size));
    queue.submit([encoder.finish()]);
    if let Some(buffer) = reading
        && let Some(capture) = read_out(device, &buffer, layers.size, &picture.shown)
    {
        match captures.0.try_send(capture) {
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }
}

fn begin<'a>(
    encoder: &'a mut wgpu::CommandEncoder,
    label: &'static str,
    view: &'a wgpu::TextureView,
    load: wgpu::LoadOp<wgpu::Color>,
) -> wgpu::RenderPass<'a> {
    encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        label: Some(label),
        color_attachments: &[Some(wgpu::RenderPassColorAttachment {
            view,
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations { load, store: wgpu::StoreOp::Store },
        })],
        ..Default::default()
    })
}

/// Copies the picture as it is into the layer of the scene before.
fn keep(device: &wgpu::Device, encoder: &mut wgpu::CommandEncoder, pipelines: &Pipelines, layers: &mut Layers) {
    let [width, height] = layers.size;
    let (kept, _) = layers.kept.get_or_insert_with(|| {
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("kept"),
            size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: FORMAT,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        });
        let group = make_group(device, pipelines, "kept", &texture.create_view(&Default::default()));
        (texture, group)
    });
    encoder.copy_texture_to_texture(
        layers.picture.as_image_copy(),
        kept.as_image_copy(),
        wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
    );
}

/// What the shaders read textures through.
struct Groups<'a> {
    atlas: &'a wgpu::BindGroup,
    light: Option<&'a wgpu::BindGroup>,
}

fn paint(
    pass: &mut wgpu::RenderPass<'_>,
    pipelines: &Pipelines,
    groups: &Groups<'_>,
    buffers: &Buffers,
    list: &DisplayList,
    [width, height]: [u32; 2],
) {
    for batch in &list.batches {
        let (pipeline, buffer, stride, instanced) = match batch.visual {
            Visual::Shape => (&pipelines.shape, &buffers.shapes, size_of::<ShapeInstance>(), true),
            Visual::Glyph => (&pipelines.glyph, &buffers.glyphs, size_of::<GlyphInstance>(), true),
            Visual::Spark => (&pipelines.spark, &buffers.sparks, size_of::<SparkInstance>(), true),
            Visual::Mesh => (&pipelines.mesh, &buffers.vertices, size_of::<MeshVertex>(), false),
            Visual::Field => (&pipelines.field, &buffers.fields, size_of::<FieldInstance>(), true),
        };
        let Some(buffer) = &buffer.buffer else { continue };
        match batch.clip {
            Some([left, top, wide, high]) => {
                let (left, top) = (left.min(width), top.min(height));
                let (wide, high) = (wide.min(width - left), high.min(height - top));
                if wide == 0 || high == 0 {
                    continue;
                }
                pass.set_scissor_rect(left, top, wide, high);
            }
            None => pass.set_scissor_rect(0, 0, width, height),
        }
        let start = u64::from(batch.first) * stride as u64;
        let end = start + u64::from(batch.count) * stride as u64;
        pass.set_pipeline(pipeline);
        pass.set_vertex_buffer(0, buffer.slice(start..end));
        if batch.visual == Visual::Field {
            let Some(light) = groups.light else { continue };
            pass.set_bind_group(0, light, &[]);
            pass.draw(0..4, 0..batch.count);
            pass.set_bind_group(0, groups.atlas, &[]);
        } else if instanced {
            pass.draw(0..4, 0..batch.count);
        } else {
            pass.draw(0..batch.count, 0..1);
        }
    }
}

/// Puts the light of a field into its texture, unless it is there.
fn upload_light(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    pipelines: &Pipelines,
    light: &mut Option<Light>,
    field: &Field,
) {
    if light.as_ref().is_some_and(|light| light.serial == field.serial) {
        return;
    }
    let [width, height] = field.size;
    if light.as_ref().is_none_or(|light| light.size != field.size) {
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("light"),
            size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: FORMAT,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        });
        let group = make_group(device, pipelines, "light", &texture.create_view(&Default::default()));
        *light = Some(Light { serial: 0, size: field.size, texture, group });
    }
    let Some(light) = light else { return };
    light.serial = field.serial;
    queue.write_texture(
        light.texture.as_image_copy(),
        &field.rgba,
        wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(width * 4), rows_per_image: None },
        wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
    );
}

fn make_group(device: &wgpu::Device, pipelines: &Pipelines, label: &str, view: &wgpu::TextureView) -> wgpu::BindGroup {
    device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some(label),
        layout: &pipelines.group_layout,
        entries: &[
            wgpu::BindGroupEntry { binding: 0, resource: pipelines.view.as_entire_binding() },
            wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::TextureView(view) },
            wgpu::BindGroupEntry { binding: 2, resource: pipelines.ground_colours.as_entire_binding() },
        ],
    })
}

fn write_atlas(queue: &wgpu::Queue, texture: &wgpu::Texture, upload: &Upload) {
    queue.write_texture(
        wgpu::TexelCopyTextureInfo {
            texture,
            mip_level: 0,
            origin: wgpu::Origin3d { x: upload.left, y: upload.top, z: 0 },
            aspect: wgpu::TextureAspect::All,
        },
        &upload.coverage,
        wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(upload.width), rows_per_image: None },
        wgpu::Extent3d { width: upload.width, height: upload.height, depth_or_array_layers: 1 },
    );
}

fn make_layers(device: &wgpu::Device, pipelines: &Pipelines, size: [u32; 2]) -> Layers {
    let texture = |label: &'static str| {
        device.create_texture(&wgpu::TextureDescriptor {
            label: Some(label),
            size: wgpu::Extent3d { width: size[0], height: size[1], depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: FORMAT,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT
                | wgpu::TextureUsages::COPY_SRC
                | wgpu::TextureUsages::COPY_DST
                | wgpu::TextureUsages::TEXTURE_BINDING,
            view_formats: &[],
        })
    };
    let (back, picture) = (texture("back"), texture("picture"));
    let back_view = back.create_view(&Default::default());
    let picture_view = picture.create_view(&Default::default());
    let present_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("present"),
        layout: &pipelines.present_layout,
        entries: &[wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(&picture_view) }],
    });
    Layers { size, back, back_view, picture, picture_view, present_group, kept: None }
}

fn make_atlas(device: &wgpu::Device, pipelines: &Pipelines, side: u32) -> Atlas {
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: Some("glyph atlas"),
        size: wgpu::Extent3d { width: side, height: side, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::R8Unorm,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    });
    let view = texture.create_view(&Default::default());
    let group = make_group(device, pipelines, "canvas", &view);
    Atlas { side, texture, group }
}
