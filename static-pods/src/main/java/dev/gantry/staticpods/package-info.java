/** Pod manifests: strict decoding, defaults, validation and the watched directory. */
@NullMarked
package dev.gantry.staticpods;

import org.jspecify.annotations.NullMarked;
