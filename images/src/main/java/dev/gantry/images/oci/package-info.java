/** Manifests, indexes and configs of OCI and Docker: reading, bounds, choice of the platform. No input or output. */
@NullMarked
package dev.gantry.images.oci;

import org.jspecify.annotations.NullMarked;
