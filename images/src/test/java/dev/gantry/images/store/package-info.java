@NullMarked
package dev.gantry.images.store;

import org.jspecify.annotations.NullMarked;
