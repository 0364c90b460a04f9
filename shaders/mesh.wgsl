// Triangles with a colour at each corner: the map's land, curves, areas, sparklines. Edges fade by the colours' alpha.

struct Varying {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(linear) colour: vec4<f32>,
};

@vertex
fn vertex(@location(0) pixel: vec2<f32>, @location(1) colour: vec4<f32>) -> Varying {
    var out: Varying;
    out.position = clip_from_pixel(pixel);
    out.colour = vec4<f32>(colour.rgb * colour.a, colour.a);
    return out;
}

@fragment
fn fragment(in: Varying) -> @location(0) vec4<f32> {
    return in.colour;
}
