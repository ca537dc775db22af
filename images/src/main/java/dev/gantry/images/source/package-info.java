/** An image on its way into the store, wherever it comes from. */
@NullMarked
package dev.gantry.images.source;

import org.jspecify.annotations.NullMarked;
