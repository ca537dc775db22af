/** The kernel, in this project's words: the only module that makes system calls. */
@NullMarked
package dev.gantry.linux;

import org.jspecify.annotations.NullMarked;
