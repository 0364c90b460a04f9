//! Pictures read back from the GPU.

/// What a picture shows, for whoever watches from afar.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Name of the scene.
    pub scene: String,
    pub mode: &'static str,
    pub lang: &'static str,
    pub frozen: bool,
    /// It says how its numbers are made.
    pub explained: bool,
    /// Scenes do not follow one another.
    pub paused: bool,
}

/// A picture read back from the GPU: rows top to bottom, RGBA.
pub struct Capture {
    pub width: u32,
    pub height: u32,
    pub rgba: Vec<u8>,
    pub shown: Shown,
}

pub fn copy_out(
    device: &wgpu::Device,
    encoder: &mut wgpu::CommandEncoder,
    picture: &wgpu::Texture,
    [width, height]: [u32; 2],
) -> wgpu::Buffer {
    let row = (width * 4).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("capture"),
        size: u64::from(row) * u64::from(height),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    encoder.copy_texture_to_buffer(
        picture.as_image_copy(),
        wgpu::TexelCopyBufferInfo {
            buffer: &buffer,
            layout: wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row), rows_per_image: None },
        },
        wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
    );
    buffer
}

pub fn read_out(
    device: &wgpu::Device,
    buffer: &wgpu::Buffer,
    [width, height]: [u32; 2],
    shown: &Shown,
) -> Option<Capture> {
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    buffer.map_async(wgpu::MapMode::Read, .., move |mapped| {
        sender.send(mapped.is_ok()).ok();
    });
    device.poll(wgpu::PollType::wait_indefinitely()).ok()?;
    if !receiver.recv().ok()? {
        return None;
    }
    let row = (width * 4).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT) as usize;
    let mut rgba = Vec::with_capacity((width * height * 4) as usize);
    {
        let bytes = buffer.get_mapped_range(..);
        for line in bytes.chunks(row) {
            rgba.extend_from_slice(&line[..(width * 4) as usize]);
        }
    }
    buffer.unmap();
    Some(Capture { width, height, rgba, shown: shown.clone() })
}
