@NullMarked
package dev.gantry.images.layer;

import org.jspecify.annotations.NullMarked;
