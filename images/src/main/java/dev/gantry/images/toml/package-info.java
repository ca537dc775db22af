/** Reads configuration in TOML, as other runtimes' users have it on their nodes. */
@NullMarked
package dev.gantry.images.toml;

import org.jspecify.annotations.NullMarked;
