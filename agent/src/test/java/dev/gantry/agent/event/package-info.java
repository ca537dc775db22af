@NullMarked
package dev.gantry.agent.event;

import org.jspecify.annotations.NullMarked;
