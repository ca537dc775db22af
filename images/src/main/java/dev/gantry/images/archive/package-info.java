/** Image archives: OCI layouts and what {@code docker save} writes, as directories and tar files. */
@NullMarked
package dev.gantry.images.archive;

import org.jspecify.annotations.NullMarked;
