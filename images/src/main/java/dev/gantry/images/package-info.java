/**
 * Container images: their names, what a store of them offers, and the values that both sides exchange. The store itself
 * is {@code dev.gantry.images.store.LocalImageStore}.
 */
@NullMarked
package dev.gantry.images;

import org.jspecify.annotations.NullMarked;
