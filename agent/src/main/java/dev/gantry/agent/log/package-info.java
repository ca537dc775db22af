/** The backend of SLF4J: one line per event on standard error, in the form that journald or a person wants, loaded in a few milliseconds. */
@NullMarked
package dev.gantry.agent.log;

import org.jspecify.annotations.NullMarked;
