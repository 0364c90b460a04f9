//! The heap: jemalloc, which gives back what is freed, with a count of allocations, so that a claim about them can be
//! measured and tested. One counter a thread, read before and after what is meant.

#[cfg(not(unix))]
use std::alloc::System as Heap;
use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;

#[cfg(unix)]
use tikv_jemallocator::Jemalloc as Heap;

/// Freed pages go back to the system within a second, by a thread of the heap's own: a burst of rows (an import, a
/// back-fill) leaves no hundred megabytes behind.
#[cfg(unix)]
// SAFETY: jemalloc reads a C string under this name when it starts; the text ends in a zero, and nothing else has it.
#[unsafe(export_name = "_rjem_malloc_conf")]
pub static HEAP_SETTINGS: &[u8; 60] = b"background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0\0";

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The heap with a counter.
struct Counting;

fn count() {
    // A thread that is ending has no counter any more, and nobody to read it.
    COUNT.try_with(|count| count.set(count.get() + 1)).ok();
}

// SAFETY: every call goes to the heap as it is; the counter is a thread's own cell and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { Heap.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { Heap.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { Heap.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
        unsafe { Heap.realloc(pointer, layout, new_size) }
    }
}

/// From now on the C library's heap keeps up to 32 MiB of what is freed in each of its arenas, and does not give it back
/// to the system at once. A software rasteriser lives on that heap and frees and takes megabytes a frame: a fifth of the
/// processor's time went into pages that came and went.
pub fn keep_what_c_frees() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        use std::ffi::c_int;

        unsafe extern "C" {
            fn mallopt(parameter: c_int, value: c_int) -> c_int;
        }
        // From malloc.h. The second one is no larger than half an arena's piece, which is the most it may be.
        const TRIM_THRESHOLD: c_int = -1;
        const MMAP_THRESHOLD: c_int = -3;
        // SAFETY: takes two numbers, under the heap's own lock; of values it does not like it says so and does nothing.
        unsafe {
            mallopt(TRIM_THRESHOLD, 32 << 20);
            mallopt(MMAP_THRESHOLD, 32 << 20);
        }
    }
}

/// How many times this thread has asked for memory so far.
pub fn of_this_thread() -> u64 {
    COUNT.with(Cell::get)
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_allocation_is_counted_and_nothing_else_is() {
        let before = super::of_this_thread();
        let sum: u64 = (0..100_u64).sum();
        assert_eq!(super::of_this_thread(), before, "{sum}");
        let boxed = std::hint::black_box(Box::new(sum));
        assert_eq!(super::of_this_thread(), before + 1, "{boxed}");
    }
}
