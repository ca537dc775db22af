/** Gantry as its users meet it: the launcher as a child process, the local API, a real registry. */
@NullMarked
package dev.gantry.e2e;

import org.jspecify.annotations.NullMarked;
