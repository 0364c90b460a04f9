// Framed boxes, ring arcs and capsules, anti-aliased by their signed distance. One instanced quad each.

struct Varying {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(linear) point: vec2<f32>,
    @location(1) @interpolate(flat) shape: vec4<f32>,
    @location(2) @interpolate(flat) extra: vec4<f32>,
    @location(3) @interpolate(linear) fill: vec4<f32>,
    @location(4) @interpolate(flat) stroke: vec4<f32>,
    // Cosine and sine of a ring's middle, sine and cosine of half its sweep.
    @location(5) @interpolate(flat) arc: vec4<f32>,
};

@vertex
fn vertex(@builtin(vertex_index) index: u32, instance: Instance) -> Varying {
    let corner = corner_of(index) * 2.0 - 1.0;
    let point = corner * instance.place.zw;
    var out: Varying;
    out.position = clip_from_pixel(instance.place.xy + point);
    out.point = point;
    out.shape = instance.shape;
    out.extra = instance.extra;
    out.fill = fill_at(corner, instance);
    out.stroke = instance.stroke;
    let half = instance.extra.y * 0.5;
    let middle = instance.extra.x + half;
    out.arc = vec4<f32>(cos(middle), sin(middle), sin(half), cos(half));
    return out;
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
        distance = box_distance(in.point, in.extra.xy - in.shape.y, in.shape.y);
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
    return covered(colour, cover, in.position.xy);
}
