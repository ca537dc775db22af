@NullMarked
package dev.gantry.agent.cli;

import org.jspecify.annotations.NullMarked;
