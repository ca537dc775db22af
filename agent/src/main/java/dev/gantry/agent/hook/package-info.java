/** What runs after the start and before the stop of a container. */
@NullMarked
package dev.gantry.agent.hook;

import org.jspecify.annotations.NullMarked;
