/** What pods mount: the contents of volumes, and how files reach a directory whole or not at all. */
@NullMarked
package dev.gantry.agent.volume;

import org.jspecify.annotations.NullMarked;
