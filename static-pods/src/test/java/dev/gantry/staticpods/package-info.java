/** Tests of manifests. */
@NullMarked
package dev.gantry.staticpods;

import org.jspecify.annotations.NullMarked;
