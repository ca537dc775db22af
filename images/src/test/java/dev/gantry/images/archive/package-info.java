@NullMarked
package dev.gantry.images.archive;

import org.jspecify.annotations.NullMarked;
