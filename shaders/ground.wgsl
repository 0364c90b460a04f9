// The ground: one full-screen triangle, dark at the edges, with a little noise against banding. Drawn once a layout.

struct Ground { edge: vec4<f32>, middle: vec4<f32> };
@group(0) @binding(2) var<uniform> ground: Ground;

// What all pixels read comes from the corners: a software rasteriser fetches a uniform once more for each pixel.
struct Varying {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(flat) middle: vec3<f32>,
    // From the middle's colour to the edge's.
    @location(1) @interpolate(flat) darker: vec3<f32>,
    // What a pixel is times and less, to be 0 at the middle and 1 away where the ground is darkest.
    @location(2) @interpolate(flat) place: vec4<f32>,
};

@vertex
fn vertex(@builtin(vertex_index) index: u32) -> Varying {
    let corner = vec4<f32>(corner_of(index) * 4.0 - 1.0, 0.0, 1.0);
    let reach = vec2<f32>(1.25, 1.45) / 0.78;
    let place = vec4<f32>(reach / view.size, vec2<f32>(0.5, 0.46) * reach);
    return Varying(corner, ground.middle.rgb, ground.edge.rgb - ground.middle.rgb, place);
}

fn noise(pixel: vec2<f32>) -> f32 {
    return fract(52.9829189 * fract(dot(pixel, vec2<f32>(0.06711056, 0.00583715))));
}

@fragment
fn fragment(in: Varying) -> @location(0) vec4<f32> {
    let point = in.position.xy * in.place.xy - in.place.zw;
    let square = min(dot(point, point), 1.0);
    let far = square * (3.0 - 2.0 * sqrt(square));
    let grain = (noise(in.position.xy) - 0.5) * (1.0 / 255.0);
    return vec4<f32>(in.middle + in.darker * far + grain, 1.0);
}
