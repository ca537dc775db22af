@NullMarked
package dev.gantry.agent.config;

import org.jspecify.annotations.NullMarked;
