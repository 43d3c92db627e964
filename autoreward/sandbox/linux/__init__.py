"""What Linux offers to shut a process in: Landlock, filters on system calls, namespaces. ctypes alone, no package."""
