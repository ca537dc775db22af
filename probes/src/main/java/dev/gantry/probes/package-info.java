/** Liveness, readiness and startup probes and lifecycle handlers. */
@NullMarked
package dev.gantry.probes;

import org.jspecify.annotations.NullMarked;
