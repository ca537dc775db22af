/** Layers: decompression, tar, and writing them out as overlayfs wants them. All input is hostile. */
@NullMarked
package dev.gantry.images.layer;

import org.jspecify.annotations.NullMarked;
