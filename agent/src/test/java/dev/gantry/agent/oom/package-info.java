/** Tests of the events about what the kernel kills. */
@org.jspecify.annotations.NullMarked
package dev.gantry.agent.oom;
