//! What only the operating system can do for a host: room for many files, and memory back after many closings.

/// The number of files this process may hold open, after asking for as many as the system grants.
///
/// The soft limit is often 1,024 for the sake of programs that use `select`; the hard one is what is meant.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "libc offers no safe form of getrlimit and setrlimit")]
pub(super) fn open_files() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the call writes one `rlimit` to the place it is given, which lives until after the call.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return None;
    }
    let raised = libc::rlimit { rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max };
    // SAFETY: the call only reads the `rlimit` it is given.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) } == 0 {
        limit = raised;
    }
    Some(limit.rlim_cur)
}

/// Gives freed memory back. After 300 tenants closed, the C allocator kept all of what they had used.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "libc offers no safe form of malloc_trim")]
pub(super) fn give_back_memory() {
    // SAFETY: takes no pointer, and may be called from any thread at any time; it only returns free pages.
    unsafe { libc::malloc_trim(0) };
}

/// Unknown here.
#[cfg(not(target_os = "linux"))]
pub(super) fn open_files() -> Option<u64> {
    None
}

/// The allocator here gives memory back by itself.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn give_back_memory() {}
