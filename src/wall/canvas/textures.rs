//! The textures of the canvas: the layers of a picture, the glyph atlas, the light of a field, an overlay.
//!
//! All of them are made by [`texture`]; a texture is made anew only when its size is another one.

use super::glyphs::Upload;
use super::gpu::FORMAT;
use super::list::Field;
use super::pipelines::Pipelines;

/// A texture of one level and one sample.
pub fn texture(
    device: &wgpu::Device,
    label: &'static str,
    [width, height]: [u32; 2],
    format: wgpu::TextureFormat,
    usage: wgpu::TextureUsages,
) -> wgpu::Texture {
    device.create_texture(&wgpu::TextureDescriptor {
        label: Some(label),
        size: extent([width, height]),
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage,
        view_formats: &[],
    })
}

pub fn extent([width, height]: [u32; 2]) -> wgpu::Extent3d {
    wgpu::Extent3d { width, height, depth_or_array_layers: 1 }
}

/// Filled from elsewhere, read by shaders.
const READ: wgpu::TextureUsages = wgpu::TextureUsages::TEXTURE_BINDING.union(wgpu::TextureUsages::COPY_DST);
/// Drawn to, too, and copied from.
const DRAWN: wgpu::TextureUsages =
    READ.union(wgpu::TextureUsages::RENDER_ATTACHMENT).union(wgpu::TextureUsages::COPY_SRC);

fn make_group(device: &wgpu::Device, pipelines: &Pipelines, label: &str, texture: &wgpu::Texture) -> wgpu::BindGroup {
    let view = texture.create_view(&Default::default());
    device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some(label),
        layout: &pipelines.group_layout,
        entries: &[
            wgpu::BindGroupEntry { binding: 0, resource: pipelines.view.as_entire_binding() },
            wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::TextureView(&view) },
            wgpu::BindGroupEntry { binding: 2, resource: pipelines.ground_colours.as_entire_binding() },
        ],
    })
}

/// Textures of one size.
pub struct Layers {
    pub size: [u32; 2],
    pub base: wgpu::Texture,
    pub base_view: wgpu::TextureView,
    pub back: wgpu::Texture,
    pub back_view: wgpu::TextureView,
    pub picture: wgpu::Texture,
    pub picture_view: wgpu::TextureView,
    pub present_group: wgpu::BindGroup,
    /// The picture of the scene before.
    pub kept: Option<(wgpu::Texture, wgpu::BindGroup)>,
}

impl Layers {
    pub fn new(device: &wgpu::Device, pipelines: &Pipelines, size: [u32; 2]) -> Layers {
        let [base, back, picture] =
            ["base", "back", "picture"].map(|label| texture(device, label, size, FORMAT, DRAWN));
        let base_view = base.create_view(&Default::default());
        let back_view = back.create_view(&Default::default());
        let picture_view = picture.create_view(&Default::default());
        let present_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("present"),
            layout: &pipelines.present_layout,
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::TextureView(&picture_view),
            }],
        });
        Layers { size, base, base_view, back, back_view, picture, picture_view, present_group, kept: None }
    }

    /// Copies the picture as it is into the layer of the scene before.
    pub fn keep(&mut self, device: &wgpu::Device, encoder: &mut wgpu::CommandEncoder, pipelines: &Pipelines) {
        let size = self.size;
        let (kept, _) = self.kept.get_or_insert_with(|| {
            let texture = texture(device, "kept", size, FORMAT, READ);
            let group = make_group(device, pipelines, "kept", &texture);
            (texture, group)
        });
        encoder.copy_texture_to_texture(self.picture.as_image_copy(), kept.as_image_copy(), extent(size));
    }
}

pub struct Atlas {
    pub side: u32,
    texture: wgpu::Texture,
    pub group: wgpu::BindGroup,
}

impl Atlas {
    pub fn new(device: &wgpu::Device, pipelines: &Pipelines, side: u32) -> Atlas {
        let texture = texture(device, "glyph atlas", [side, side], wgpu::TextureFormat::R8Unorm, READ);
        let group = make_group(device, pipelines, "canvas", &texture);
        Atlas { side, texture, group }
    }

    pub fn write(&self, queue: &wgpu::Queue, upload: &Upload) {
        queue.write_texture(
            wgpu::TexelCopyTextureInfo {
                origin: wgpu::Origin3d { x: upload.left, y: upload.top, z: 0 },
                ..self.texture.as_image_copy()
            },
            &upload.coverage,
            wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(upload.width), rows_per_image: None },
            extent([upload.width, upload.height]),
        );
    }
}

/// What was drawn elsewhere, at the picture's size.
pub struct Overlay {
    pub size: [u32; 2],
    texture: wgpu::Texture,
    pub group: wgpu::BindGroup,
}

impl Overlay {
    pub fn new(device: &wgpu::Device, pipelines: &Pipelines, size: [u32; 2]) -> Overlay {
        let texture = texture(device, "overlay", size, FORMAT, READ);
        let group = make_group(device, pipelines, "overlay", &texture);
        Overlay { size, texture, group }
    }

    /// Writes a part (left, top, width, height) of it.
    pub fn write(&self, queue: &wgpu::Queue, part: [u32; 4], pixels: &[u8], bytes_per_row: u32) {
        let [left, top, width, height] = part;
        queue.write_texture(
            wgpu::TexelCopyTextureInfo {
                origin: wgpu::Origin3d { x: left, y: top, z: 0 },
                ..self.texture.as_image_copy()
            },
            pixels,
            wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(bytes_per_row), rows_per_image: None },
            extent([width, height]),
        );
    }
}

/// The light of a field as a texture.
pub struct Light {
    serial: u64,
    size: [u32; 2],
    texture: wgpu::Texture,
    pub group: wgpu::BindGroup,
}

impl Light {
    /// Puts the light of a field into the texture, unless it is there.
    pub fn upload(
        light: &mut Option<Light>,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        pipelines: &Pipelines,
        field: &Field,
    ) {
        if light.as_ref().is_some_and(|light| light.serial == field.serial) {
            return;
        }
        if light.as_ref().is_none_or(|light| light.size != field.size) {
            let texture = texture(device, "light", field.size, FORMAT, READ);
            let group = make_group(device, pipelines, "light", &texture);
            *light = Some(Light { serial: 0, size: field.size, texture, group });
        }
        let Some(light) = light else { return };
        light.serial = field.serial;
        let bytes_per_row = Some(field.size[0] * 4);
        queue.write_texture(
            light.texture.as_image_copy(),
            &field.rgba,
            wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row, rows_per_image: None },
            extent(field.size),
        );
    }
}
