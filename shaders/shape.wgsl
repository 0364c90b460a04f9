// Rounded rectangles, ring arcs and capsules, anti-aliased by their signed distance. One instanced quad each.

struct Instance {
    // Middle and half extent of the quad, pixels.
    @location(0) place: vec4<f32>,
    // x: kind (0 box, 1 ring, 2 capsule), y: corner radius or ring radius, z: stroke or ring width, w: softness.
    @location(1) shape: vec4<f32>,
    // ring: start, sweep (radians, clockwise from 12 o'clock); capsule: half vector; box: half extent.
    @location(2) extra: vec4<f32>,
    @location(3) fill_first: vec4<f32>,
    @location(4) fill_last: vec4<f32>,
    @location(5) stroke: vec4<f32>,
};

struct Varying {
    @builtin(position) position: vec4<f32>,
    @location(0) point: vec2<f32>,
    @location(1) @interpolate(flat) shape: vec4<f32>,
    @location(2) @interpolate(flat) extra: vec4<f32>,
    @location(3) fill: vec4<f32>,
    @location(4) @interpolate(flat) stroke: vec4<f32>,
    // Cosine and sine of a ring's middle, sine and cosine of half its sweep.
    @location(5) @interpolate(flat) arc: vec4<f32>,
};

@vertex
fn vertex(@builtin(vertex_index) index: u32, instance: Instance) -> Varying {
    let corner = corner_of(index) * 2.0 - 1.0;
    let point = corner * instance.place.zw;
    let pixel = instance.place.xy + point;
    var out: Varying;
    out.position = clip_from_pixel(pixel);
    out.point = point;
    out.shape = instance.shape;
    out.extra = instance.extra;
    // extra.w: the gradient runs left to right (1) instead of top to bottom (0).
    let along = mix(corner.y, corner.x, instance.extra.w) * 0.5 + 0.5;
    out.fill = mix(instance.fill_first, instance.fill_last, along);
    out.stroke = instance.stroke;
    let half = instance.extra.y * 0.5;
    let middle = instance.extra.x + half;
    out.arc = vec4<f32>(cos(middle), sin(middle), sin(half), cos(half));
    return out;
}

fn box_distance(point: vec2<f32>, half: vec2<f32>, radius: f32) -> f32 {
    let outside = abs(point) - half + radius;
    return length(max(outside, vec2<f32>(0.0))) + min(max(outside.x, outside.y), 0.0) - radius;
}

fn ring_distance(point: vec2<f32>, radius: f32, width: f32, sweep: f32, arc: vec4<f32>) -> f32 {
    let on_ring = abs(length(point) - radius) - width * 0.5;
    if sweep >= 6.2831 {
        return on_ring;
    }
    // Turn so that the arc's middle points up, and mirror.
    let turned = vec2<f32>(point.x * arc.x + point.y * arc.y, point.y * arc.x - point.x * arc.y);
    let folded = vec2<f32>(abs(turned.x), -turned.y);
    let end = arc.zw;
    // Beyond the end: distance to the round cap.
    let beyond = folded.x * end.y - folded.y * end.x > 0.0;
    if beyond {
        return length(folded - end * radius) - width * 0.5;
    }
    return on_ring;
}

@fragment
fn fragment(in: Varying) -> @location(0) vec4<f32> {
    var distance = 0.0;
    if in.shape.x < 0.5 {
        distance = box_distance(in.point, in.extra.xy, in.shape.y);
    } else if in.shape.x < 1.5 {
        distance = ring_distance(in.point, in.shape.y, in.shape.z, in.extra.y, in.arc);
    } else {
        let along = clamp(dot(in.point, in.extra.xy) / max(dot(in.extra.xy, in.extra.xy), 0.0001), -1.0, 1.0);
        distance = length(in.point - in.extra.xy * along) - in.shape.z * 0.5;
    }
    let soft = max(in.shape.w, 1.0);
    let cover = clamp(0.5 - distance / soft, 0.0, 1.0);
    var colour = in.fill;
    if in.stroke.a > 0.0 && in.shape.x < 0.5 {
        let inside = clamp(0.5 - (distance + in.shape.z) / soft, 0.0, 1.0);
        // The stroke over the fill.
        let edge = in.stroke.a * (1.0 - inside);
        let alpha = edge + colour.a * (1.0 - edge);
        colour = vec4<f32>((in.stroke.rgb * edge + colour.rgb * colour.a * (1.0 - edge)) / max(alpha, 0.0001), alpha);
    }
    let alpha = colour.a * cover;
    // A little noise against the bands of a faint gradient.
    let noise = fract(52.9829189 * fract(dot(in.position.xy, vec2<f32>(0.06711056, 0.00583715)))) - 0.5;
    let grain = select(0.0, noise / 255.0, alpha < 0.98 && alpha > 0.0);
    return vec4<f32>(max(colour.rgb * alpha + grain, vec3<f32>(0.0)), alpha + grain);
}
