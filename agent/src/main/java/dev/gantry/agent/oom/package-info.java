/** What the kernel kills for want of memory, told as events of the pods it belonged to. */
@org.jspecify.annotations.NullMarked
package dev.gantry.agent.oom;
