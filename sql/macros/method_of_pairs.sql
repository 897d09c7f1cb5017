-- The method itself if what two companies share adds up to their similarity: by latents, or by the parts of stack.
create macro method_of_pairs(method) as if(method = 'stack', method, method_with_reasons(method));
