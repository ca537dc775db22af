@NullMarked
package dev.gantry.images;

import org.jspecify.annotations.NullMarked;
