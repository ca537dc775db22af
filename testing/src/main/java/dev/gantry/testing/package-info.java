/** Fakes that behave, and contract suites that the fakes and the real things both pass. */
@NullMarked
package dev.gantry.testing;

import org.jspecify.annotations.NullMarked;
