//! The vertex buffers of a layer: what its display list holds, as the GPU reads it.

use super::list::DisplayList;

pub struct Buffers {
    pub shapes: Growing,
    pub glyphs: Growing,
    pub sparks: Growing,
    pub vertices: Growing,
    pub fields: Growing,
    pub clouds: Growing,
}

impl Buffers {
    pub fn new() -> Buffers {
        Buffers {
            shapes: Growing::new("shapes"),
            glyphs: Growing::new("glyphs"),
            sparks: Growing::new("sparks"),
            vertices: Growing::new("vertices"),
            fields: Growing::new("fields"),
            clouds: Growing::new("clouds"),
        }
    }

    pub fn write(&mut self, device: &wgpu::Device, queue: &wgpu::Queue, list: &DisplayList) {
        self.shapes.write(device, queue, bytemuck::cast_slice(&list.shapes));
        self.glyphs.write(device, queue, bytemuck::cast_slice(&list.glyphs));
        self.sparks.write(device, queue, bytemuck::cast_slice(&list.sparks));
        self.vertices.write(device, queue, bytemuck::cast_slice(&list.vertices));
        self.fields.write(device, queue, bytemuck::cast_slice(&list.fields));
        self.clouds.write(device, queue, bytemuck::cast_slice(&list.clouds));
    }
}

/// A vertex buffer that grows by halves and never shrinks.
pub struct Growing {
    label: &'static str,
    pub buffer: Option<wgpu::Buffer>,
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
