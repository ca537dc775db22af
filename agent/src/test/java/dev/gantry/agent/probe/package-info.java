@NullMarked
package dev.gantry.agent.probe;

import org.jspecify.annotations.NullMarked;
