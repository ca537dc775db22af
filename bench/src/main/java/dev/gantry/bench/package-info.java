/** The benchmarks: Gantry beside containerd with runc and with crun, each asked over CRI. */
@NullMarked
package dev.gantry.bench;

import org.jspecify.annotations.NullMarked;
