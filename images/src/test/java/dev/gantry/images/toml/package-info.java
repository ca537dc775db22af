@NullMarked
package dev.gantry.images.toml;

import org.jspecify.annotations.NullMarked;
