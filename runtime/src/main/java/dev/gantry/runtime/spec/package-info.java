/**
 * From CRI's configuration of a container to what the kernel is told: pure compilation into a {@link
 * dev.gantry.runtime.spec.ContainerSpec}, and from there into a syscall program.
 */
@NullMarked
package dev.gantry.runtime.spec;

import org.jspecify.annotations.NullMarked;
