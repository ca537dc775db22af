/** Syscall programs: ordered lists of system calls with named steps, made here and executed by pause. */
@NullMarked
package dev.gantry.runtime.program;

import org.jspecify.annotations.NullMarked;
