/**
 * Seccomp: profiles (the built-in default and OCI files), the table of system call numbers, and the compiler from both
 * to classic BPF. Pure; nothing here calls the kernel.
 */
@NullMarked
package dev.gantry.runtime.seccomp;

import org.jspecify.annotations.NullMarked;
