// Rounded rectangles without a stroke: panels' surfaces, bars, discs. One instanced quad each.
//
// `shape` would draw them, too; but a software rasteriser works out what all kinds of shapes need for each pixel.

struct Varying {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(linear) point: vec2<f32>,
    @location(1) @interpolate(linear) fill: vec4<f32>,
    // Half extent less the radius, the radius, one over the softness.
    @location(2) @interpolate(flat) form: vec4<f32>,
};

@vertex
fn vertex(@builtin(vertex_index) index: u32, instance: Instance) -> Varying {
    let corner = corner_of(index) * 2.0 - 1.0;
    let point = corner * instance.place.zw;
    let radius = instance.shape.y;
    let form = vec4<f32>(instance.extra.xy - radius, radius, 1.0 / max(instance.shape.w, 1.0));
    return Varying(clip_from_pixel(instance.place.xy + point), point, fill_at(corner, instance), form);
}

@fragment
fn fragment(in: Varying) -> @location(0) vec4<f32> {
    let distance = box_distance(in.point, in.form.xy, in.form.z);
    return covered(in.fill, clamp(0.5 - distance * in.form.w, 0.0, 1.0), in.position.xy);
}
