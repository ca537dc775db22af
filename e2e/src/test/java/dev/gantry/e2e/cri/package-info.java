/**
 * One test for each behaviour of CRI v1 that clients rely on, the same for our runtime and for containerd: what passes on both tests the
 * runtime and not our idea of it.
 */
@NullMarked
package dev.gantry.e2e.cri;

import org.jspecify.annotations.NullMarked;
