/** What the build needs to put Gantry together: the demo image and the installation's folder. Not installed itself. */
@NullMarked
package dev.gantry.packaging;

import org.jspecify.annotations.NullMarked;
