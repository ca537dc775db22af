/** Programs for the kernel's eBPF machine, put together in Java. */
@NullMarked
package dev.gantry.linux.bpf;

import org.jspecify.annotations.NullMarked;
