/**
 * Pods from their manifest to their last status: the pure {@code decide}, the worker that carries its actions out over
 * CRI, and the engine that owns all workers.
 */
@NullMarked
package dev.gantry.agent.pod;

import org.jspecify.annotations.NullMarked;
