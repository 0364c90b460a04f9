//! The render plugin of the canvas: display lists in, pixels out.
//!
//! Three layers. The *base* (ground, panel surfaces) is drawn once a layout. The *back* (map, settled sparks) is drawn
//! over a copy of it only where it changed; each picture copies that and draws the *front* (text, curves, what moves)
//! over it in one pass, both only in the rectangles that differ from the last picture. No Bevy camera is involved, so a
//! picture costs this one pass and nothing else, and nothing at all when nothing changed.
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
use super::buffers::Buffers;
use super::cloud::CloudInstance;
use super::cloud::gpu::CloudGpu;
use super::crowd::Crowds;
use super::glyphs::Upload;
use super::list::{DisplayList, FieldInstance, GlyphInstance, MeshVertex, ShapeInstance, SparkInstance, Visual};
use super::pipelines::{Pipelines, make_pipelines, make_present};
pub use super::readback::{Capture, Shown};
use super::readback::{copy_out, read_out};
use super::textures::{Atlas, Layers, Light, extent};

/// The picture's own format; values are sRGB and never converted on the way.
pub const FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

/// What the main world wants drawn; handed over whole at the next extraction.
#[derive(Resource, Default)]
pub struct Picture {
    pub base: DisplayList,
    pub back: DisplayList,
    pub front: DisplayList,
    pub uploads: Vec<Upload>,
    pub size: [u32; 2],
    pub atlas_side: u32,
    /// `base` holds a new base layer; all of the others is then drawn anew, too.
    pub base_changed: bool,
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
    if info.device_type == wgpu::DeviceType::Cpu {
        crate::allocations::keep_what_c_frees();
    }
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

/// Forgets all that is on a device that no longer works; nothing composed for it is drawn any more.
pub fn forget_device(main: &mut World, render: &mut World) {
    render.insert_resource(CanvasGpu::default());
    render.insert_resource(Extracted::default());
    main.insert_resource(Picture::default());
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
    (picture.base_changed, picture.back_changed) = (false, false);
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

#[derive(Resource, Default)]
struct CanvasGpu {
    light: Option<Light>,
    cloud: Option<CloudGpu>,
    crowds: Crowds,
    pipelines: Option<Pipelines>,
    layers: Option<Layers>,
    atlas: Option<Atlas>,
    base: Option<Buffers>,
    back: Option<Buffers>,
    front: Option<Buffers>,
    present_again: bool,
    /// The back layer was never drawn at this size.
    back_missing: bool,
    /// What the adapter was given last.
    submitted: Option<wgpu::SubmissionIndex>,
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
    // Offscreen nothing else holds back a wall that moves faster than its adapter draws: one picture is drawn while the
    // next is composed, no more. A device that is lost has nothing left to wait for.
    if let Some(submission_index) = gpu.submitted.take() {
        device.poll(wgpu::PollType::Wait { submission_index: Some(submission_index), timeout: None }).ok();
    }
    let pipelines = gpu.pipelines.get_or_insert_with(|| make_pipelines(device));
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("wall") });
    if picture.draw {
        let [width, height] = picture.size;
        if width == 0 || height == 0 {
            return;
        }
        if gpu.layers.as_ref().is_none_or(|layers| layers.size != picture.size) {
            gpu.layers = Some(Layers::new(device, pipelines, picture.size));
            gpu.back_missing = true;
            let view: [f32; 4] = [2.0 / width as f32, -2.0 / height as f32, width as f32, height as f32];
            queue.write_buffer(&pipelines.view, 0, bytemuck::cast_slice(&view));
            let colours =
                [tokens::GROUND_EDGE, tokens::GROUND_MIDDLE].map(|colour| colour.0.map(|part| f32::from(part) / 255.0));
            queue.write_buffer(&pipelines.ground_colours, 0, bytemuck::cast_slice(&colours));
        }
        if gpu.atlas.as_ref().is_none_or(|atlas| atlas.side != picture.atlas_side) {
            gpu.atlas = Some(Atlas::new(device, pipelines, picture.atlas_side));
        }
        if let Some(layers) = gpu.layers.as_mut().filter(|_| picture.keep && !gpu.back_missing) {
            layers.keep(device, &mut encoder, pipelines);
        }
        let (Some(layers), Some(atlas)) = (&gpu.layers, &gpu.atlas) else { return };
        for field in picture.back.lights.first().into_iter().chain(picture.front.lights.first()) {
            Light::upload(&mut gpu.light, device, queue, pipelines, field);
        }
        if let (Some(instance), Some(points)) = (picture.front.clouds.first(), picture.front.points.first()) {
            let cloud = gpu.cloud.get_or_insert_with(|| CloudGpu::new(device, queue));
            cloud.count(device, queue, &mut encoder, pipelines, instance, points);
        }
        let back_new = picture.back_changed || gpu.back_missing;
        if back_new {
            gpu.crowds.draw(device, queue, pipelines, &picture.back, picture.size);
        }
        let groups = Groups {
            atlas: &atlas.group,
            light: gpu.light.as_ref().map(|light| &light.group),
            cloud: gpu.cloud.as_ref().and_then(CloudGpu::group),
            crowds: &gpu.crowds,
        };
        for upload in &picture.uploads {
            atlas.write(queue, upload);
        }
        if picture.base_changed {
            let buffers = gpu.base.get_or_insert_with(Buffers::new);
            buffers.write(device, queue, &picture.base);
            // Never cleared: the ground is drawn over all of it.
            let mut pass = begin(&mut encoder, "base", &layers.base_view, wgpu::LoadOp::Load);
            pass.set_bind_group(0, &atlas.group, &[]);
            pass.set_pipeline(&pipelines.ground);
            pass.draw(0..3, 0..1);
            paint(&mut pass, pipelines, &groups, buffers, &picture.base, picture.size);
        }
        if back_new {
            copy_parts(&mut encoder, &layers.base, &layers.back, picture.back_parts.iter(picture.size));
            let buffers = gpu.back.get_or_insert_with(Buffers::new);
            buffers.write(device, queue, &picture.back);
            let mut pass = begin(&mut encoder, "back", &layers.back_view, wgpu::LoadOp::Load);
            pass.set_bind_group(0, &atlas.group, &[]);
            paint(&mut pass, pipelines, &groups, buffers, &picture.back, picture.size);
            drop(pass);
            gpu.back_missing = false;
        }
        copy_parts(&mut encoder, &layers.back, &layers.picture, picture.parts.iter(picture.size));
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
    gpu.submitted = Some(queue.submit([encoder.finish()]));
    if let Some(buffer) = reading
        && let Some(capture) = read_out(device, &buffer, layers.size, &picture.shown)
    {
        match captures.0.try_send(capture) {
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }
}

/// Copies rectangles (left, top, width, height) to the same places of another layer.
fn copy_parts(
    encoder: &mut wgpu::CommandEncoder,
    from: &wgpu::Texture,
    to: &wgpu::Texture,
    parts: impl Iterator<Item = [u32; 4]>,
) {
    for [left, top, width, height] in parts {
        let origin = wgpu::Origin3d { x: left, y: top, z: 0 };
        encoder.copy_texture_to_texture(
            wgpu::TexelCopyTextureInfo { origin, ..from.as_image_copy() },
            wgpu::TexelCopyTextureInfo { origin, ..to.as_image_copy() },
            extent([width, height]),
        );
    }
}

/// A pass that draws on one texture.
pub fn begin<'a>(
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

/// What the shaders read textures through.
struct Groups<'a> {
    atlas: &'a wgpu::BindGroup,
    light: Option<&'a wgpu::BindGroup>,
    cloud: Option<&'a wgpu::BindGroup>,
    crowds: &'a Crowds,
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
        if batch.visual == Visual::Crowd
            && let Some((group, runs)) = groups.crowds.runs(batch)
        {
            pass.set_pipeline(&pipelines.overlay);
            pass.set_bind_group(0, group, &[]);
            for [left, top, wide, high] in runs {
                pass.set_scissor_rect(*left, *top, *wide, *high);
                pass.draw(0..3, 0..1);
            }
            pass.set_bind_group(0, groups.atlas, &[]);
            continue;
        }
        let (pipeline, buffer, stride, instanced) = match batch.visual {
            Visual::Shape => (&pipelines.shape, &buffers.shapes, size_of::<ShapeInstance>(), true),
            Visual::Box => (&pipelines.plain_box, &buffers.shapes, size_of::<ShapeInstance>(), true),
            Visual::Glyph => (&pipelines.glyph, &buffers.glyphs, size_of::<GlyphInstance>(), true),
            Visual::Spark | Visual::Crowd => (&pipelines.spark, &buffers.sparks, size_of::<SparkInstance>(), true),
            Visual::Mesh => (&pipelines.mesh, &buffers.vertices, size_of::<MeshVertex>(), false),
            Visual::Field => (&pipelines.field, &buffers.fields, size_of::<FieldInstance>(), true),
            Visual::Cloud => (&pipelines.cloud, &buffers.clouds, size_of::<CloudInstance>(), true),
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
        if matches!(batch.visual, Visual::Field | Visual::Cloud) {
            let read = if batch.visual == Visual::Field { groups.light } else { groups.cloud };
            let Some(read) = read else { continue };
            pass.set_bind_group(0, read, &[]);
            pass.draw(0..4, 0..batch.count);
            pass.set_bind_group(0, groups.atlas, &[]);
        } else if instanced {
            pass.draw(0..4, 0..batch.count);
        } else {
            pass.draw(0..batch.count, 0..1);
        }
    }
}
