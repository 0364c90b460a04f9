//! What processes cost: CPU seconds and resident memory, from `/proc`. Linux only; elsewhere `None`.

use std::collections::HashMap;

use super::measure::status_kb;

/// The kernel's clock ticks a second, as `/proc` counts them on every Linux there is.
const TICKS_PER_S: f64 = 100.0;

/// CPU seconds of this process so far, all its threads, those of a software rasteriser among them.
pub fn cpu_s() -> Option<f64> {
    stat("self").map(|stat| stat.cpu_s)
}

/// CPU seconds of a process and all its descendants that live, and those that ended and were waited for.
pub fn tree_cpu_s(root: u32) -> Option<f64> {
    let mut stats = HashMap::new();
    for entry in std::fs::read_dir("/proc").ok()?.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        if let Some(stat) = stat(&pid.to_string()) {
            stats.insert(pid, stat);
        }
    }
    let mut sum = stats.get(&root)?.cpu_with_children_s;
    let mut waiting = vec![root];
    while let Some(parent) = waiting.pop() {
        for (pid, stat) in stats.iter().filter(|(_, stat)| stat.parent == parent) {
            sum += stat.cpu_with_children_s;
            waiting.push(*pid);
        }
    }
    Some(sum)
}

/// Resident memory of this process, MB.
pub fn resident_mb() -> Option<f64> {
    status_kb("VmRSS:").map(|kb| kb as f64 / 1024.0)
}

struct Stat {
    parent: u32,
    cpu_s: f64,
    cpu_with_children_s: f64,
}

fn stat(pid: &str) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold anything; the fields after it are numbers.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    let own = ticks(11)? + ticks(12)?;
    let children = ticks(13)? + ticks(14)?;
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        cpu_s: own / TICKS_PER_S,
        cpu_with_children_s: (own + children) / TICKS_PER_S,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_costs_something_and_is_in_its_own_tree() {
        let mut sum = 0_u64;
        let began = std::time::Instant::now();
        while began.elapsed().as_millis() < 60 {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
        }
        let own = super::cpu_s().unwrap();
        let tree = super::tree_cpu_s(std::process::id()).unwrap();
        assert!(own > 0.0 && tree >= own && super::resident_mb().unwrap() > 1.0, "{own} {tree}");
    }
}
