//! Counts heap allocations, so that a claim about them can be measured and tested. One counter a thread, read before
//! and after what is meant.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The system's allocator with a counter.
struct Counting;

fn count() {
    // A thread that is ending has no counter any more, and nobody to read it.
    COUNT.try_with(|count| count.set(count.get() + 1)).ok();
}

// SAFETY: every call goes to the system's allocator as it is; the counter is a thread's own cell and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(pointer, layout, new_size) }
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
