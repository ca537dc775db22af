/** The native runtime: sandboxes and containers behind the CRI services. */
@NullMarked
package dev.gantry.runtime;

import org.jspecify.annotations.NullMarked;
