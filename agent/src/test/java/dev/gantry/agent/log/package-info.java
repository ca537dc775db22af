@NullMarked
package dev.gantry.agent.log;

import org.jspecify.annotations.NullMarked;
