//! The pipelines of the canvas: one for each shader in `shaders/`, all of them blending on sRGB values.

use super::cloud::CloudInstance;
use super::gpu::FORMAT;
use super::list::{FieldInstance, GlyphInstance, MeshVertex, ShapeInstance, SparkInstance};

pub struct Pipelines {
    pub shape: wgpu::RenderPipeline,
    pub plain_box: wgpu::RenderPipeline,
    pub glyph: wgpu::RenderPipeline,
    pub spark: wgpu::RenderPipeline,
    pub mesh: wgpu::RenderPipeline,
    pub field: wgpu::RenderPipeline,
    pub cloud: wgpu::RenderPipeline,
    pub ground: wgpu::RenderPipeline,
    pub overlay: wgpu::RenderPipeline,
    pub fade: wgpu::RenderPipeline,
    pub present_module: wgpu::ShaderModule,
    pub present_layout: wgpu::BindGroupLayout,
    /// Made when a window's format is known.
    pub present: Option<(wgpu::TextureFormat, wgpu::RenderPipeline)>,
    pub group_layout: wgpu::BindGroupLayout,
    pub view: wgpu::Buffer,
    pub ground_colours: wgpu::Buffer,
}

/// The shaders, each after what it shares with others.
pub mod shaders {
    macro_rules! shader {
        ($($file:literal),+) => { concat!($(include_str!(concat!("../../../shaders/", $file, ".wgsl")), "\n"),+) };
    }

    pub const SHAPE: &str = shader!("view", "form", "shape");
    pub const PLAIN_BOX: &str = shader!("view", "form", "box");
    pub const GLYPH: &str = shader!("view", "glyph");
    pub const SPARK: &str = shader!("view", "spark");
    pub const MESH: &str = shader!("view", "mesh");
    pub const FIELD: &str = shader!("view", "light", "field");
    pub const CLOUD: &str = shader!("view", "light", "cloud");
    pub const POINTS: &str = shader!("points");
    pub const GROUND: &str = shader!("view", "ground");
    pub const OVERLAY: &str = shader!("screen", "overlay");
    pub const FADE: &str = shader!("screen", "fade");
    pub const PRESENT: &str = shader!("screen", "present");
}

/// As much of the new as the blend constant says, the rest of the old.
const BY_CONSTANT: wgpu::BlendState = wgpu::BlendState {
    color: wgpu::BlendComponent {
        src_factor: wgpu::BlendFactor::Constant,
        dst_factor: wgpu::BlendFactor::OneMinusConstant,
        operation: wgpu::BlendOperation::Add,
    },
    alpha: wgpu::BlendComponent::REPLACE,
};

pub fn make_pipelines(device: &wgpu::Device) -> Pipelines {
    let texture_entry = |binding| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::FRAGMENT,
        ty: wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Float { filterable: false },
            view_dimension: wgpu::TextureViewDimension::D2,
            multisampled: false,
        },
        count: None,
    };
    let uniform_entry = |binding| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::VERTEX_FRAGMENT,
        ty: wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    };
    let group_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("canvas"),
        entries: &[uniform_entry(0), texture_entry(1), uniform_entry(2)],
    });
    let present_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("present"),
        entries: &[texture_entry(0)],
    });
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some("canvas"),
        bind_group_layouts: &[Some(&group_layout)],
        immediate_size: 0,
    });
    let uniform = |label: &'static str, size| {
        device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    };
    let module = |label: &'static str, source: &str| {
        device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(label),
            source: wgpu::ShaderSource::Wgsl(source.into()),
        })
    };
    let instance = wgpu::VertexStepMode::Instance;
    let shape_attributes = wgpu::vertex_attr_array![0 => Float32x4, 1 => Float32x4, 2 => Float32x4, 3 => Unorm8x4, 4 => Unorm8x4, 5 => Unorm8x4];
    let glyph_attributes = wgpu::vertex_attr_array![0 => Float32x4, 1 => Float32x2, 2 => Unorm8x4];
    let spark_attributes = wgpu::vertex_attr_array![0 => Float32x4, 1 => Unorm8x4];
    let mesh_attributes = wgpu::vertex_attr_array![0 => Float32x2, 1 => Unorm8x4];
    let over = Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING);
    let make = |label, source, stride: usize, step_mode, attributes: &[wgpu::VertexAttribute]| {
        let buffers = [wgpu::VertexBufferLayout { array_stride: stride as u64, step_mode, attributes }];
        // Instanced quads are strips of four corners, meshes lists of triangles.
        let topology = match step_mode {
            wgpu::VertexStepMode::Instance => wgpu::PrimitiveTopology::TriangleStrip,
            wgpu::VertexStepMode::Vertex => wgpu::PrimitiveTopology::TriangleList,
        };
        make_pipeline(device, label, &layout, &module(label, source), &buffers, topology, FORMAT, over)
    };
    let whole = |label, source, blend| {
        let topology = wgpu::PrimitiveTopology::TriangleList;
        make_pipeline(device, label, &layout, &module(label, source), &[], topology, FORMAT, blend)
    };
    Pipelines {
        shape: make("shape", shaders::SHAPE, size_of::<ShapeInstance>(), instance, &shape_attributes),
        plain_box: make("box", shaders::PLAIN_BOX, size_of::<ShapeInstance>(), instance, &shape_attributes),
        glyph: make("glyph", shaders::GLYPH, size_of::<GlyphInstance>(), instance, &glyph_attributes),
        spark: make("spark", shaders::SPARK, size_of::<SparkInstance>(), instance, &spark_attributes),
        mesh: make("mesh", shaders::MESH, size_of::<MeshVertex>(), wgpu::VertexStepMode::Vertex, &mesh_attributes),
        field: make("field", shaders::FIELD, size_of::<FieldInstance>(), instance, &glyph_attributes),
        cloud: make("cloud", shaders::CLOUD, size_of::<CloudInstance>(), instance, &glyph_attributes),
        ground: whole("ground", shaders::GROUND, None),
        overlay: whole("overlay", shaders::OVERLAY, over),
        fade: whole("fade", shaders::FADE, Some(BY_CONSTANT)),
        present_module: module("present", shaders::PRESENT),
        present: None,
        view: uniform("view", 16),
        ground_colours: uniform("ground", 32),
        group_layout,
        present_layout,
    }
}

pub fn make_present(device: &wgpu::Device, pipelines: &Pipelines, format: wgpu::TextureFormat) -> wgpu::RenderPipeline {
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some("present"),
        bind_group_layouts: &[Some(&pipelines.present_layout)],
        immediate_size: 0,
    });
    let topology = wgpu::PrimitiveTopology::TriangleList;
    make_pipeline(device, "present", &layout, &pipelines.present_module, &[], topology, format, None)
}

#[expect(clippy::too_many_arguments, reason = "each is one thing a pipeline is made of")]
pub fn make_pipeline(
    device: &wgpu::Device,
    label: &str,
    layout: &wgpu::PipelineLayout,
    module: &wgpu::ShaderModule,
    buffers: &[wgpu::VertexBufferLayout<'_>],
    topology: wgpu::PrimitiveTopology,
    format: wgpu::TextureFormat,
    blend: Option<wgpu::BlendState>,
) -> wgpu::RenderPipeline {
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some(label),
        layout: Some(layout),
        vertex: wgpu::VertexState {
            module,
            entry_point: Some("vertex"),
            compilation_options: Default::default(),
            buffers,
        },
        primitive: wgpu::PrimitiveState { topology, ..Default::default() },
        depth_stencil: None,
        multisample: Default::default(),
        fragment: Some(wgpu::FragmentState {
            module,
            entry_point: Some("fragment"),
            compilation_options: Default::default(),
            targets: &[Some(wgpu::ColorTargetState { format, blend, write_mask: wgpu::ColorWrites::ALL })],
        }),
        multiview_mask: None,
        cache: None,
    })
}
